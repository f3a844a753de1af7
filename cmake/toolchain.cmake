# Compiler settings shared by every target. Warnings are errors; assertions stay on in every build type.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# No NDEBUG: LEAT_CHECK and assert() stay on in release.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
if(LEAT_SANITIZE)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")  # instrumented code without any optimisation makes the tests several times slower
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
endif()

find_program(LEAT_CCACHE ccache)
if(LEAT_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # base_dir and no hash_dir: a second checkout finds what the first one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${LEAT_CCACHE})
endif()
find_program(LEAT_MOLD mold)
if(LEAT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# What every target of ours is compiled with.
add_library(leat_options INTERFACE)
target_compile_options(leat_options INTERFACE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # gcc 12 reports overlaps and overflows inside std::string at -O2 that cannot happen (its bugs 105329 and 105651).
  target_compile_options(leat_options INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
endif()
if(LEAT_SANITIZE)
  foreach(sanitizer IN LISTS LEAT_SANITIZE)
    add_compile_options(-fsanitize=${sanitizer})
    add_link_options(-fsanitize=${sanitizer})
  endforeach()
  add_compile_options(-fno-omit-frame-pointer -fno-sanitize-recover=all)
  # gcc 12 reports false positives of these two when it instruments.
  add_compile_options(-Wno-maybe-uninitialized -Wno-tsan)
endif()
