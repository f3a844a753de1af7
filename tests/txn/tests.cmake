target_sources(leat_txn_test PRIVATE "${CMAKE_SOURCE_DIR}/tests/txn/script.cc")
