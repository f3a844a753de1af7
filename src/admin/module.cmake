# The page is compiled in: leatd has no files of its own to find at run time.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(leat_admin_page "${CMAKE_BINARY_DIR}/generated/admin/page.cc")
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/generated/admin")
add_custom_command(
  OUTPUT "${leat_admin_page}"
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_LIST_DIR}/page/embed.py" "${CMAKE_CURRENT_LIST_DIR}/page/page.html"
          "${leat_admin_page}"
  DEPENDS "${CMAKE_CURRENT_LIST_DIR}/page/embed.py" "${CMAKE_CURRENT_LIST_DIR}/page/page.html"
  VERBATIM)
target_sources(leat_admin PRIVATE "${leat_admin_page}")
