"""Every #include of src/ against the module table, and of include/leat against its promise: std and absl only."""

from source import Finding, Source
from table import Module, Table

RULE = "include"

# The C++20 standard library, without the C headers that have a <c...> twin: write the twin.
STANDARD = set(
    """algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts condition_variable
    coroutine deque exception execution filesystem format forward_list fstream functional future initializer_list iomanip
    ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric
    optional ostream queue random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span
    sstream stack stdexcept stop_token streambuf string string_view strstream syncstream system_error thread tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version
    cassert cctype cerrno cfenv cfloat cinttypes climits clocale cmath csetjmp csignal cstdarg cstddef cstdint cstdio
    cstdlib cstring ctime cuchar cwchar cwctype""".split()
)
# What is the operating system's rather than the language's. Only the adapters to it and the programs may look.
SYSTEM_PREFIXES = ("sys/", "netinet/", "arpa/", "linux/")
SYSTEM = {"unistd.h", "fcntl.h", "dirent.h", "errno.h", "signal.h", "poll.h", "pthread.h", "sched.h", "netdb.h", "time.h",
          "termios.h", "pwd.h", "dlfcn.h", "malloc.h", "execinfo.h", "cxxabi.h"}
SYSTEM_MODULES = ("runtime", "server")
# CPU intrinsics: kernels and checksums.
INTRINSICS = {"immintrin.h", "nmmintrin.h", "emmintrin.h", "x86intrin.h", "arm_acle.h", "arm_neon.h"}
INTRINSICS_MODULES = ("base", "model", "stream/data", "stream/exec")
# The lowest floor that may know the public API: below it is nothing that implements it.
PUBLIC_API_FLOOR = 4


def _free(header: str) -> bool:
    return header in STANDARD or header.startswith("absl/")


def _check_public(source: Source) -> list[Finding]:
    return [
        Finding(source.path, include.line, RULE,
                f'include/leat may include only the standard library, absl and "leat/...", not "{include.path}": '
                "an installed header must not drag in the inside (use a pimpl)")
        for include in source.includes
        if not _free(include.path) and not include.path.startswith(("leat/client/", "leat/stream/", "leat/version.h"))
    ]


def _problem(table: Table, module: Module, header: str) -> str | None:
    """What is wrong with `module` including `header`; None if nothing is."""
    if _free(header):
        return None
    families = table.families_of(header)
    if families:
        if any(family in module.third_party for family in families):
            return None
        return (f'"{header}" belongs to the third-party family {" or ".join(families)}, which {module.name} may not use: go '
                "through the module that adapts it, or add the family to the THIRD_PARTY of cmake/layers.cmake")
    if header.startswith("leat/"):
        if module.floor >= PUBLIC_API_FLOOR:
            return None
        return f'"{header}" is public API, known only to modules on floor {PUBLIC_API_FLOOR} and above; {module.name} is below'
    target = table.module_of(header)
    if target is not None:
        if target.name == module.name or target.name in module.deps:
            return None
        if target.floor >= module.floor:
            return (f"{module.name} (floor {module.floor}) may not include {target.name} (floor {target.floor}): dependencies "
                    "go to lower floors; move what both need down, or pass it in")
        return f"{module.name} does not name {target.name} in its DEPS in cmake/layers.cmake: do without it, or add it there"
    if header in SYSTEM or header.startswith(SYSTEM_PREFIXES):
        if module.name in SYSTEM_MODULES:
            return None
        return f"<{header}> is the operating system's, for {' and '.join(SYSTEM_MODULES)} only: go through a port in src/env"
    if header in INTRINSICS:
        if module.name in INTRINSICS_MODULES:
            return None
        return f"<{header}> is for {', '.join(INTRINSICS_MODULES)} only"
    return (f'"{header}" is neither a module of cmake/layers.cmake, nor one of its third-party families, nor the standard '
            "library or absl: write the path from src/, or add the package to the table and to docs/dependencies.md")


def check(table: Table, source: Source) -> list[Finding]:
    if source.path.startswith("include/"):
        return _check_public(source)
    if not source.path.startswith("src/"):
        return []
    module = table.module_of(source.path.removeprefix("src/"))
    if module is None:
        return [Finding(source.path, 1, RULE, "this folder is not a module: add it to cmake/layers.cmake, or move the file")]
    problems = ((include.line, _problem(table, module, include.path)) for include in source.includes)
    return [Finding(source.path, line, RULE, problem) for line, problem in problems if problem]
