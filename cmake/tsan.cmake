# What ThreadSanitizer has to know of libraries that are not instrumented: tests/tsan.supp for every test, and for those that
# use gRPC also what happens before what inside it (tests/grpc/tsan_grpc.cc). Included behind the tests of the modules.
add_library(leat_tsan_grpc MODULE "${CMAKE_SOURCE_DIR}/tests/grpc/tsan_grpc.cc")
target_include_directories(leat_tsan_grpc PRIVATE $<TARGET_PROPERTY:gRPC::grpc,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(leat_tsan_grpc PRIVATE leat_options ${CMAKE_DL_LIBS})
# It stands between the two: not instrumented, and not linked with what it is called for.
target_compile_options(leat_tsan_grpc PRIVATE -fno-sanitize=thread)
target_link_options(leat_tsan_grpc PRIVATE -fno-sanitize=thread)

get_property(tests DIRECTORY PROPERTY TESTS)
foreach(test IN LISTS tests)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endforeach()
foreach(module grpc client)
  add_dependencies(leat_${module}_test leat_tsan_grpc)
  set_property(TEST ${module} APPEND PROPERTY ENVIRONMENT "LD_PRELOAD=$<TARGET_FILE:leat_tsan_grpc>")
endforeach()
