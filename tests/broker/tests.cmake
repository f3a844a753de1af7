# The test on real threads and a real disk.
target_link_libraries(leat_broker_test PRIVATE leat_runtime)
