# Installed: the programs, the public headers and the client library with its CMake package file.
include(GNUInstallDirs)
