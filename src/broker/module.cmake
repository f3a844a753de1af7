target_compile_definitions(leat_broker PRIVATE LEAT_VERSION="${PROJECT_VERSION}")
# The default JobFactory needs the compiler and the runner.
if(EXISTS "${CMAKE_SOURCE_DIR}/src/stream/run/job_runner.cc" AND EXISTS "${CMAKE_SOURCE_DIR}/src/sql/compile.cc")
  target_compile_definitions(leat_broker PRIVATE LEAT_HAS_STREAM)
endif()
