set(sim "${CMAKE_SOURCE_DIR}/tests/replication/sim_cluster.cc" "${CMAKE_SOURCE_DIR}/tests/replication/sim_faults.cc"
        "${CMAKE_SOURCE_DIR}/tests/replication/sim_checks.cc" "${CMAKE_SOURCE_DIR}/tests/replication/sim_controller.cc")
target_sources(leat_replication_test PRIVATE ${sim} "${CMAKE_SOURCE_DIR}/tests/replication/script.cc")
# The bank of planted defects compiles the cores with its switch; it does not link the module's library, which has none.
file(GLOB cores CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/replication/*.cc")
add_executable(leat_replication_planted "${CMAKE_SOURCE_DIR}/tests/replication/planted_defects.cc" ${sim} ${cores})
target_compile_definitions(leat_replication_planted PRIVATE LEAT_PLANTED_DEFECTS)
target_include_directories(leat_replication_planted PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/src")
target_link_libraries(leat_replication_planted PRIVATE leat_options leat_base leat_model)
add_test(NAME replication_planted COMMAND leat_replication_planted)
set_tests_properties(replication_planted PROPERTIES TIMEOUT 600)
