# The leat tool. It talks to a broker through the public client library only; what it does with a job's text it does here.
target_link_libraries(leat PRIVATE leat_client leat_base leat_model leat_sql leat_stream_run leat_csv yaml-cpp Boost::boost
                      Boost::json CLI11::CLI11 simdjson::simdjson Threads::Threads)
target_compile_definitions(leat PRIVATE LEAT_VERSION="${PROJECT_VERSION}")
