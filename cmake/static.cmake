# The release programs take gRPC, Protocol Buffers and RocksDB from the archives of the same Debian packages: half of a
# program's start was the dynamic loader looking up the tens of thousands of symbols of these libraries, and a part of
# their pages stayed mapped. Debug and sanitizer builds keep the shared libraries, because they link faster.
set(LEAT_ROCKSDB RocksDB::rocksdb-shared)
option(LEAT_STATIC "Link gRPC, Protocol Buffers and RocksDB statically (release only)" ON)

# Points an imported shared library at the archive beside it, if there is one.
function(leat_use_archive target)
  get_target_property(shared ${target} LOCATION)
  string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${shared}")
  if(NOT EXISTS "${archive}")
    message(STATUS "${target}: no ${archive}, linked dynamically")
    return()
  endif()
  get_target_property(configurations ${target} IMPORTED_CONFIGURATIONS)
  foreach(configuration IN LISTS configurations)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_${configuration} "${archive}")
  endforeach()
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${archive}")
endfunction()

if(LEAT_STATIC AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LEAT_SANITIZE)
  set(LEAT_ROCKSDB RocksDB::rocksdb)
  foreach(target gRPC::grpc++_reflection gRPC::grpc++ gRPC::grpc gRPC::gpr gRPC::upb gRPC::address_sorting
                 protobuf::libprotobuf)
    leat_use_archive(${target})
  endforeach()
endif()
