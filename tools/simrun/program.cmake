# Simulations of whole clusters. The library that it runs is one of the tests'. What has planted defects is compiled once
# more, with their switch, and comes before the libraries', which have none.
target_link_libraries(simrun PRIVATE leat_sim)
file(GLOB cores CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/replication/*.cc")
set(run "${CMAKE_SOURCE_DIR}/src/stream/run")
target_sources(simrun PRIVATE ${cores} "${CMAKE_SOURCE_DIR}/src/broker/registration.cc" ${run}/changelog.cc
                              ${run}/checkpointer.cc ${run}/transaction_writer.cc)
target_compile_definitions(simrun PRIVATE LEAT_PLANTED_DEFECTS)
if(NOT LEAT_BUILD_TESTS)
  set_target_properties(simrun PROPERTIES EXCLUDE_FROM_ALL TRUE)
endif()
