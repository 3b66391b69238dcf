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
