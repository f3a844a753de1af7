# The test on real threads and a real disk.
target_link_libraries(leat_broker_test PRIVATE leat_runtime)
target_sources(leat_broker_test PRIVATE "${CMAKE_SOURCE_DIR}/tests/broker/transaction_simulation.cc"
                                        "${CMAKE_SOURCE_DIR}/tests/broker/replica_simulation.cc"
                                        "${CMAKE_SOURCE_DIR}/tests/replication/sim_controller.cc")
