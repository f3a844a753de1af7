# The codecs are made from the tables in messages/ into the build folder, a few large sources rather than many small ones.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(leat_wire_units 4)
set(leat_wire_generated "${CMAKE_BINARY_DIR}/generated")
file(GLOB leat_wire_tables CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/messages/*.msg")
set(leat_wire_outputs "${leat_wire_generated}/wire/apis.cc")
foreach(leat_wire_table IN LISTS leat_wire_tables)
  get_filename_component(leat_wire_name "${leat_wire_table}" NAME_WE)
  list(APPEND leat_wire_outputs "${leat_wire_generated}/wire/messages/${leat_wire_name}.h")
endforeach()
math(EXPR leat_wire_last "${leat_wire_units} - 1")
foreach(leat_wire_unit RANGE ${leat_wire_last})
  list(APPEND leat_wire_outputs "${leat_wire_generated}/wire/codecs_${leat_wire_unit}.cc")
endforeach()
add_custom_command(
  OUTPUT ${leat_wire_outputs}
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_LIST_DIR}/generate.py" "${CMAKE_CURRENT_LIST_DIR}/messages"
          "${leat_wire_generated}" ${leat_wire_units}
  DEPENDS ${leat_wire_tables} "${CMAKE_CURRENT_LIST_DIR}/generate.py" "${CMAKE_CURRENT_LIST_DIR}/schema.py"
  VERBATIM)
target_sources(leat_wire PRIVATE ${leat_wire_outputs})
target_include_directories(leat_wire PUBLIC "${leat_wire_generated}")
