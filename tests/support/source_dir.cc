#include "tests/support/source_dir.h"

namespace leat::test {

std::string SourceDir() { return LEAT_SOURCE_DIR; }

}  // namespace leat::test
