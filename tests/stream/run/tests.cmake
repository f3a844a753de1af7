target_sources(leat_stream_run_test PRIVATE ${CMAKE_SOURCE_DIR}/tests/stream/run/memory_log_port.cc
                                            ${CMAKE_SOURCE_DIR}/tests/stream/run/memory_transactions.cc
                                            ${CMAKE_SOURCE_DIR}/tests/stream/run/case_run.cc
                                            ${CMAKE_SOURCE_DIR}/tests/stream/run/flink_cases.cc
                                            ${CMAKE_SOURCE_DIR}/tests/stream/run/random_queries.cc
                                            ${CMAKE_SOURCE_DIR}/tests/stream/run/reference_database.cc)
target_link_libraries(leat_stream_run_test PRIVATE SQLite::SQLite3)
