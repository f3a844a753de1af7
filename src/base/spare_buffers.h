// Large strings that are used again. A std::string zeroes what it grows by, and memory that goes back to the system
// costs a page fault for each page when it is needed anew; both cost more than the copy that a buffer is for. Each
// thread keeps some of its own.
#pragma once

#include <string>

namespace leat {

// A string of n bytes whose content is whatever it was. Small ones are made, not kept.
std::string TakeBuffer(size_t n);
// Hands a string over that is not needed any more, taken or not.
void GiveBuffer(std::string buffer);

}  // namespace leat
