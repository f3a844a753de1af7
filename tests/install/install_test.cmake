# Variables: BUILD (a finished build folder), EXAMPLE (sources), WORK (a folder of ours), COMPILER.
file(REMOVE_RECURSE "${WORK}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix")
# Nothing that was installed may point back at the tree it came from.
file(GLOB_RECURSE package "${WORK}/prefix/*.cmake")
if(NOT package)
  message(FATAL_ERROR "no CMake package file was installed into ${WORK}/prefix")
endif()
get_filename_component(tree "${BUILD}/../.." ABSOLUTE)
foreach(file IN LISTS package)
  file(READ "${file}" text)
  string(FIND "${text}" "${tree}/src" source)
  string(FIND "${text}" "${BUILD}" build)
  if(NOT source EQUAL -1 OR NOT build EQUAL -1)
    message(FATAL_ERROR "${file} names a folder of the source or build tree")
  endif()
endforeach()

run("${CMAKE_COMMAND}" -S "${EXAMPLE}" -B "${WORK}/build" -G Ninja "-DCMAKE_PREFIX_PATH=${WORK}/prefix"
    "-DCMAKE_CXX_COMPILER=${COMPILER}")
run("${CMAKE_COMMAND}" --build "${WORK}/build")

# It starts, and says that it was not told where to connect.
execute_process(COMMAND "${WORK}/build/example" RESULT_VARIABLE result ERROR_VARIABLE output)
if(NOT result EQUAL 2 OR NOT output MATCHES "^usage: ")
  message(FATAL_ERROR "the example ended with '${result}' and said '${output}', expected its usage and status 2")
endif()
