# Simulations of whole clusters. The library that it runs is one of the tests'.
target_link_libraries(simrun PRIVATE leat_sim)
if(NOT LEAT_BUILD_TESTS)
  set_target_properties(simrun PROPERTIES EXCLUDE_FROM_ALL TRUE)
endif()
