# The parser is generated into the build folder; its warnings are bison's, not ours.
set(leat_sql_generated "${CMAKE_BINARY_DIR}/generated")
file(MAKE_DIRECTORY "${leat_sql_generated}/sql")
add_custom_command(
  OUTPUT "${leat_sql_generated}/sql/grammar.cc" "${leat_sql_generated}/sql/grammar.h"
  COMMAND ${BISON_EXECUTABLE} -Werror=conflicts-sr -Werror=conflicts-rr --header=${leat_sql_generated}/sql/grammar.h
          -o ${leat_sql_generated}/sql/grammar.cc ${CMAKE_CURRENT_LIST_DIR}/grammar.yy
  DEPENDS "${CMAKE_CURRENT_LIST_DIR}/grammar.yy"
  VERBATIM)
target_sources(leat_sql PRIVATE "${leat_sql_generated}/sql/grammar.cc" "${leat_sql_generated}/sql/grammar.h")
target_include_directories(leat_sql SYSTEM PRIVATE "${leat_sql_generated}")
set_source_files_properties("${leat_sql_generated}/sql/grammar.cc" TARGET_DIRECTORY leat_sql
                            PROPERTIES COMPILE_OPTIONS -w)
