# The client is tested against the real front door, over a broker in memory.
target_link_libraries(leat_client_test PRIVATE leat_grpc leat_broker)
target_include_directories(leat_client_test PRIVATE "${CMAKE_SOURCE_DIR}")
# The tests of what only a real broker knows: duplicates, transactions.
target_link_libraries(leat_client_test PRIVATE leat_runtime)
