# What treats all messages alike is made from the same tables as the codecs.
set(leat_wire_any_units 4)
set(leat_wire_any_folder "${CMAKE_BINARY_DIR}/generated_tests")
set(leat_wire_any_outputs "${leat_wire_any_folder}/wire_any/all.cc")
math(EXPR leat_wire_any_last "${leat_wire_any_units} - 1")
foreach(leat_wire_unit RANGE ${leat_wire_any_last})
  list(APPEND leat_wire_any_outputs "${leat_wire_any_folder}/wire_any/messages_${leat_wire_unit}.cc")
endforeach()
file(GLOB leat_wire_any_tables CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/wire/messages/*.msg")
add_custom_command(
  OUTPUT ${leat_wire_any_outputs}
  COMMAND Python3::Interpreter -B "${CMAKE_SOURCE_DIR}/tests/wire/generate_any.py"
          "${CMAKE_SOURCE_DIR}/src/wire/messages" "${leat_wire_any_folder}" ${leat_wire_any_units}
  DEPENDS ${leat_wire_any_tables} "${CMAKE_SOURCE_DIR}/tests/wire/generate_any.py"
          "${CMAKE_SOURCE_DIR}/src/wire/generate.py" "${CMAKE_SOURCE_DIR}/src/wire/schema.py"
  VERBATIM)
add_library(leat_wire_any STATIC ${leat_wire_any_outputs} "${CMAKE_SOURCE_DIR}/tests/wire/any_message.cc"
            "${CMAKE_SOURCE_DIR}/tests/wire/check_input.cc")
target_include_directories(leat_wire_any PUBLIC "${CMAKE_SOURCE_DIR}")
target_link_libraries(leat_wire_any PUBLIC leat_wire PRIVATE leat_options)
leat_unity(leat_wire_any)
target_link_libraries(leat_wire_test PRIVATE leat_wire_any)
