target_include_directories(leat_grpc_test PRIVATE "${CMAKE_SOURCE_DIR}")
