# gcc 12 takes the members of a variant's other alternatives for uninitialised when it moves a list of effects.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(leat_replication PRIVATE -Wno-maybe-uninitialized)
endif()
