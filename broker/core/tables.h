/*
 * The tables of a broker's store and the form of their keys. Numbers in keys
 * are big-endian, so that they sort.
 */
#ifndef KLUIS_TABLES_H
#define KLUIS_TABLES_H

enum table {
	TABLE_META,	   /* text -> bytes */
	TABLE_ENTRY,	   /* u64 index -> entry */
	TABLE_TILE,	   /* u8 level, u64 index -> hashes */
	TABLE_PAPER,	   /* SHA-256 of text -> note */
	TABLE_PRINCIPAL,   /* key name -> rows.Principal */
	TABLE_INVITATION,  /* key name -> rows.Invitation */
	TABLE_LANE,	   /* u8 lane, key name -> u64 sequence, hash of request (32), u64 index, leaf (32) */
	TABLE_STORE,	   /* u32 store -> rows.Store */
	TABLE_EMPLOYEE,	   /* u32 store, pseudonym -> rows.Employee */
	TABLE_CUSTOMER,	   /* pseudonym -> rows.Customer */
	TABLE_RECORD,	   /* pseudonym, u32 version -> sealed rows.Record */
	TABLE_RECEIPT,	   /* pseudonym, receipt id (16) -> sealed rows.Receipt */
	TABLE_RECEIPT_AT,  /* receipt id -> pseudonym */
	TABLE_LOOKUP,	   /* keyed hash of field and value (32) -> pseudonyms, 16 bytes each */
	TABLE_USE,	   /* agreement (32), u8 grant, u32 day -> u32 count; the same with a pseudonym -> nothing */
	TABLE_FEED,	   /* u32 store, u64 change -> pseudonym */
	TABLE_FEED_AT,	   /* u32 store, pseudonym -> u64 change */
	TABLE_IMPORT,	   /* hash of file and mapping -> rows.Import */
	TABLE_JOURNAL,	   /* u32 store -> rows.Journal */
	TABLE_HOLDING,	   /* u32 store, purpose -> rows.Holding */
	TABLE_FINDING,	   /* u64 complement of the second, u32 store, u64 number -> u32 kinds (FORMAT.md R126) */
	TABLE_FEED_NEWEST, /* u32 store -> u64 change, of the newest one in its feed */
	TABLE_WITNESS,	   /* u32 store -> public key (32) that it cosigns with */
	TABLE_COSIGNATURE, /* u8 1, u32 store, or u8 0, an outside witness's name -> u64 round's size, key, cosignature,
			      name */
	TABLE_NOTICE,	   /* u64 complement of the second, u32 store, id (16) -> rows.Notice */
	TABLE_NOTICE_AT,   /* u32 store, id -> u64 as TABLE_NOTICE's keys begin */
	TABLE_ERASURE,	   /* pseudonym -> rows.Erasure */
	TABLE_RECEIVED,	   /* pseudonym, u32 store, purpose -> u64 since_ms of the holding that it came into */
	TABLE_COUNT
};

/* The feed that stores with a grant for all customers read besides their own. */
#define FEED_ALL 0xFFFFFFFFu

#endif
