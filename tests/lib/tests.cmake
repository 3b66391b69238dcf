# Invented data of any size in FoodMart's layout: for the demo where FoodMart is not there, and for benches.
file(GLOB generate_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/lib/generate/*.c)
add_executable(kluis-generate ${generate_sources} ${CMAKE_CURRENT_SOURCE_DIR}/lib/random.c)
target_include_directories(kluis-generate PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/lib)
target_link_libraries(kluis-generate PRIVATE kluis_cli kluis_proto)

# A client that does not keep the rules: what it sends is not what a link sends.
add_executable(kluis-hostile ${CMAKE_CURRENT_SOURCE_DIR}/lib/hostile/main.c)
target_link_libraries(kluis-hostile PRIVATE kluis_proto kluis_link nng::nng Threads::Threads)

# A broker that serves a real folder and lies to its stores.
add_executable(kluis-liar ${CMAKE_CURRENT_SOURCE_DIR}/lib/liar/main.c ${CMAKE_CURRENT_SOURCE_DIR}/lib/liar/lies.c)
target_link_libraries(kluis-liar PRIVATE kluis_broker_command kluis_agent)
