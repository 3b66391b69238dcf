# The other presets as entries of the dev preset's run, so that one summary is of everything (ctest --preset all).
# The dev test preset itself leaves them out: they take minutes. Each builds everything, for its
# compiler's warnings, and runs what may find more there (CMakePresets.json): release the simulations, asan all but the
# two scenarios that differ from others by the amount of data alone. What asan and release simulate dev leaves out then.
get_filename_component(preset_here ${CMAKE_BINARY_DIR} NAME)
if(preset_here STREQUAL "dev")
  foreach(preset clang release asan tsan)
    add_test(NAME preset/${preset} COMMAND ${CMAKE_COMMAND} --workflow --preset ${preset} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(preset/${preset} PROPERTIES LABELS preset TIMEOUT 1800 RUN_SERIAL TRUE)
  endforeach()
endif()
