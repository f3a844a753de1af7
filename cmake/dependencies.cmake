# Every third-party package, with the version it was built and tested against. All are Debian packages
# (tools/setup installs them); docs/dependencies.md says why each was chosen.
find_package(Threads REQUIRED)
set(Boost_NO_WARN_NEW_VERSIONS ON)  # Boost is newer than the CMake that Debian ships with it
find_package(Boost 1.81 EXACT REQUIRED COMPONENTS json)
find_package(absl CONFIG REQUIRED)                     # 20220623
find_package(Protobuf 3.21 REQUIRED)
find_package(gRPC 1.51 CONFIG REQUIRED)
find_package(RocksDB 7.8 CONFIG REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(simdjson 3.0 REQUIRED)
find_package(zstd 1.5 CONFIG REQUIRED)
find_package(Snappy 1.1 REQUIRED)
find_package(ZLIB 1.2 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)        # 1.0 (its package file names no version)
find_package(BISON 3.8 REQUIRED)

# These ship no CMake package file.
find_library(LEAT_ISAL_LIBRARY isal REQUIRED)     # ISA-L 2.30
find_path(LEAT_ISAL_INCLUDE isa-l/crc.h REQUIRED)
add_library(leat_isal INTERFACE)
target_link_libraries(leat_isal INTERFACE ${LEAT_ISAL_LIBRARY})
target_include_directories(leat_isal SYSTEM INTERFACE ${LEAT_ISAL_INCLUDE})
find_library(LEAT_LZ4_LIBRARY lz4 REQUIRED)       # LZ4 1.9
find_path(LEAT_LZ4_INCLUDE lz4frame.h REQUIRED)
add_library(leat_lz4 INTERFACE)
target_link_libraries(leat_lz4 INTERFACE ${LEAT_LZ4_LIBRARY})
target_include_directories(leat_lz4 SYSTEM INTERFACE ${LEAT_LZ4_INCLUDE})
find_library(LEAT_CSV_LIBRARY csv REQUIRED)       # libcsv 3.0
find_path(LEAT_CSV_INCLUDE csv.h REQUIRED)
add_library(leat_csv INTERFACE)
target_link_libraries(leat_csv INTERFACE ${LEAT_CSV_LIBRARY})
target_include_directories(leat_csv SYSTEM INTERFACE ${LEAT_CSV_INCLUDE})

if(LEAT_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
  find_package(rapidcheck REQUIRED)
  find_package(SQLite3 3.40 REQUIRED)
endif()
if(LEAT_BUILD_BENCH)
  find_package(benchmark 1.7 REQUIRED)
endif()
