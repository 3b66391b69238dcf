# The simulation's own store passes the same tests as the one on LMDB.
set(sim_folder ${CMAKE_CURRENT_LIST_DIR})
add_executable(test_store_memory ${sim_folder}/unit/test_store_memory.c ${sim_folder}/store_memory.c ${sim_folder}/version.c)
target_link_libraries(test_store_memory PRIVATE kluis_test_lib Threads::Threads)
add_test(NAME sim/test_store_memory COMMAND test_store_memory)
set_tests_properties(sim/test_store_memory PROPERTIES LABELS "unit;sim" TIMEOUT 120 ENVIRONMENT "${test_environment}")

# Whole franchises from seeds; more of them by hand: kluis-sim --seeds 1-20000.
foreach(run "runs;--seeds;1-150" "more-runs;--seeds;151-300" "repeats;--seeds;301-305;--twice")
  list(POP_FRONT run name)
  add_test(NAME sim/${name} COMMAND kluis-sim ${run})
  set_tests_properties(sim/${name} PROPERTIES LABELS sim TIMEOUT 300 ENVIRONMENT "${test_environment}")
endforeach()

# Shops that run themselves; more of them by hand: kluis-branch-sim --seeds 1-20000.
file(GLOB branch_sources CONFIGURE_DEPENDS ${sim_folder}/branch*.c)
foreach(name auditing model model_apply model_copy model_facts model_record run seeded seeds spec store_memory version)
  list(APPEND branch_sources ${sim_folder}/${name}.c)
endforeach()
add_executable(kluis-branch-sim ${branch_sources})
target_link_options(kluis-branch-sim PRIVATE LINKER:--wrap=staff_check_pin LINKER:--wrap=log_event LINKER:--wrap=core_prepare
  LINKER:--wrap=rename LINKER:--wrap=link LINKER:--wrap=fsync)
target_link_libraries(kluis-branch-sim PRIVATE kluis_test_lib kluis_core kluis_agent kluis_audit)
foreach(run "branches;--seeds;1-100" "more-branches;--seeds;101-200" "branches-repeat;--seeds;201-205;--twice")
  list(POP_FRONT run name)
  add_test(NAME sim/${name} COMMAND kluis-branch-sim ${run})
  set_tests_properties(sim/${name} PROPERTIES LABELS sim TIMEOUT 300 ENVIRONMENT "${test_environment}")
endforeach()
