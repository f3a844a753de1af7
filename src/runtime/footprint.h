// How much memory an idle process holds on to.
#pragma once

namespace leat::runtime {

// Gives back what only the start needed: free heap, and the mapped pages of code, most of which is the start's own
// (loading libraries, their initialisation, recovery). Code that is used later is mapped again from the page cache,
// without reading the disk while it is there. Any thread; takes about a millisecond.
void GiveBackStartMemory();

// Gives back the heap that has been freed if that is much: 64 MiB, and a half of what the process has. What threads
// that have ended freed stays in arenas of theirs otherwise. Any thread; of a large heap it takes tens of milliseconds.
void GiveBackFreeMemory();

}  // namespace leat::runtime
