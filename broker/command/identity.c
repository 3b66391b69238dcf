#include "command/identity.h"

#include <string.h>

#include "command/keyring.h"
#include "kluis/file.h"

#define END "-----END CERTIFICATE-----\n"

enum err identity_pem(const char *folder, uint32_t number, struct bytes *ret_pem, struct fault *fault)
{
	char name[KEY_NAME_MAX], path[FOLDER_PATH_MAX];

	key_file_name("tls", number, ".crt", name);
	TRY(folder_path(folder, name, path, fault));
	bytes_clear(ret_pem);
	TRY(file_read(path, ret_pem, fault));
	return bytes_append_u8(ret_pem, '\0');
}

/* Which of the folder's certificates is this text? 0: none. */
static enum err find_number(const char *folder, struct slice certificate, uint32_t *ret_number, struct fault *fault)
{
	uint32_t numbers[KEY_NUMBERS_MAX];
	size_t count;
	struct bytes pem CLEANUP(bytes_fini) = {0};

	bytes_init(&pem, TLS_PEM_MAX);
	*ret_number = 0;
	TRY(key_file_numbers(folder, "tls", ".crt", numbers, &count, fault));
	for (size_t i = 0; i < count && *ret_number == 0; i++) {
		TRY(identity_pem(folder, numbers[i], &pem, fault));
		if (slice_equal(SLICE(pem.data, pem.length - 1), certificate))
			*ret_number = numbers[i];
	}
	return ERR_OK;
}

enum err identity_number(const char *folder, const char *certificates_pem, uint32_t *ret_number, struct fault *fault)
{
	uint32_t number = certificates_pem == NULL ? 1 : 0;

	for (const char *at = certificates_pem; number == 0 && at != NULL && *at != '\0';) {
		const char *end = strstr(at, END);
		if (end == NULL)
			break;
		end += strlen(END);
		TRY(find_number(folder, SLICE(at, (size_t)(end - at)), &number, fault));
		at = end;
	}
	if (number == 0)
		return fault_set(fault, ERR_CERTIFICATE,
				 "none of the certificates that the trust in force names is in '%s': restore tls*.crt "
				 "and tls*.key from a backup",
				 folder);
	*ret_number = number;
	return ERR_OK;
}

enum err identity_load(const char *folder, uint32_t number, struct tls_identity *ret_identity, struct fault *fault)
{
	char certificate[FOLDER_PATH_MAX], key[FOLDER_PATH_MAX], name[KEY_NAME_MAX];

	key_file_name("tls", number, ".crt", name);
	TRY(folder_path(folder, name, certificate, fault));
	key_file_name("tls", number, ".key", name);
	TRY(folder_path(folder, name, key, fault));
	return tls_load(certificate, key, ret_identity, fault);
}
