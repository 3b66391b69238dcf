# Each call of LMDB can be made to fail (fail.h).
set(lmdb_calls mdb_env_create mdb_env_set_maxdbs mdb_env_set_maxreaders mdb_env_set_mapsize mdb_env_open mdb_env_info
  mdb_env_stat mdb_env_get_fd mdb_txn_begin mdb_txn_renew mdb_txn_commit mdb_dbi_open mdb_stat mdb_get mdb_put mdb_del
  mdb_cursor_open mdb_cursor_get)
list(TRANSFORM lmdb_calls PREPEND LINKER:--wrap=)
target_link_options(test_store_fault PRIVATE ${lmdb_calls})
target_link_libraries(test_store_fault PRIVATE PkgConfig::LMDB)

# These run the core on the simulation's store, whose disk fails as it is told.
foreach(name test_commit)
  target_sources(${name} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../sim/store_memory.c ${CMAKE_CURRENT_LIST_DIR}/../sim/version.c)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../sim)
endforeach()

# The core's functions themselves, which know store.h alone.
target_link_libraries(test_dispatch PRIVATE "$<LINK_GROUP:RESCAN,kluis_core,kluis_store>")

# These run the programs themselves.
foreach(source ${unit_sources})
  file(STRINGS ${source} runs_programs REGEX "(headquarters|child)\\.h" LIMIT_COUNT 1)
  if(runs_programs)
    get_filename_component(name ${source} NAME_WE)
    add_dependencies(${name} kluis-broker kluis-agent)
  endif()
endforeach()

# The desk before a shop whose copy, journal and outbox fail as they are told (lib/fake_shop.h).
set(shop_calls shop_copy_is_open shop_now_ms replica_find replica_get journal_append journal_use
  journal_count_elsewhere outbox_add outbox_each outbox_counts)
list(TRANSFORM shop_calls PREPEND LINKER:--wrap=)
foreach(source ${unit_sources})
  file(STRINGS ${source} stands_in_fake_shop REGEX "(fake_shop|desk_test|till_test)\\.h" LIMIT_COUNT 1)
  if(stands_in_fake_shop)
    get_filename_component(name ${source} NAME_WE)
    target_link_options(${name} PRIVATE ${shop_calls})
  endif()
endforeach()

# The daemon's loops alone: what they go round over comes to what it is told.
set(daemon_calls link_wait keeper_step courier_step cosigner_step office_witness channel_exchange
  daemon_is_rotation_due daemon_turn_key)
list(TRANSFORM daemon_calls PREPEND LINKER:--wrap=)
target_link_options(test_daemon_work PRIVATE ${daemon_calls})
