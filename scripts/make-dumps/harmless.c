/*
 * A harmless program whose memory looks as that of a packed one does after it has unpacked: configs of made-up
 * hosts decrypted to the heap, PE files of ours laid out at their virtual addresses without headers. It runs none of
 * them, opens no connection, and waits for a line on its standard input.
 *
 *   harmless CONFIG DUMP PE...
 *
 * CONFIG: records of <u8 kind, u32 length, bytes>, each byte XORed with 0xA7 + 13 * its number in the record: kind 'b'
 * a buffer, kind 's' a string of its own. On Windows the program writes its own full minidump to DUMP.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#include <dbghelp.h>

static unsigned char *reserve(size_t size) {
  return VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
}

/* What wine's minidumps leave out: protection and type of every run of pages. */
static void tell(void) {
  MEMORY_BASIC_INFORMATION info;
  for (char *at = NULL; VirtualQuery(at, &info, sizeof info); at = (char *)info.BaseAddress + info.RegionSize)
    if (info.State == MEM_COMMIT)
      printf("region %p %llx %lx %lx\n", info.BaseAddress, (unsigned long long)info.RegionSize,
             info.Protect, info.Type);
}

static void dump(const char *path) {
  HMODULE library = LoadLibraryA("dbghelp.dll");
  BOOL(WINAPI * write)(HANDLE, DWORD, HANDLE, MINIDUMP_TYPE, void *, void *, void *) =
      library ? (void *)GetProcAddress(library, "MiniDumpWriteDump") : NULL;
  HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
  BOOL done = write && write(GetCurrentProcess(), GetCurrentProcessId(), file,
                             MiniDumpWithFullMemory | MiniDumpWithFullMemoryInfo, NULL, NULL, NULL);
  printf("dump %s %lu\n", done ? "written" : "failed", GetLastError());
  CloseHandle(file);
  tell();
}
#else
#include <sys/mman.h>

static unsigned char *reserve(size_t size) {
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

static void dump(const char *path) { (void)path; }
#endif

static uint16_t u16(const unsigned char *at) { return (uint16_t)(at[0] | at[1] << 8); }
static uint32_t u32(const unsigned char *at) { return u16(at) | (uint32_t)u16(at + 2) << 16; }

static unsigned char *load(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size + 1);
  if (fread(bytes, 1, *size, file) != *size) exit(2);
  fclose(file);
  return bytes;
}

/* What came from the disk does not stay: only what was made of it is to be found. */
static void forget(unsigned char *bytes, size_t size) {
  volatile unsigned char *at = bytes;
  while (size--) *at++ = 0;
  free(bytes);
}

static void decrypt(const char *path) {
  size_t size;
  unsigned char *bytes = load(path, &size);
  for (size_t at = 0; at + 5 <= size;) {
    size_t length = u32(bytes + at + 1);
    int isString = bytes[at] == 's';
    unsigned char *plain = calloc(1, length + 2);
    for (size_t i = 0; i < length; i++) plain[i] = bytes[at + 5 + i] ^ (unsigned char)(0xA7 + 13 * i);
    printf("%s at %p\n", isString ? "string" : "buffer", (void *)plain);
    at += 5 + length;
  }
  forget(bytes, size);
}

/* Sections at their virtual addresses, base relocations as they are, then no MZ, no PE, no e_lfanew. */
static void map(const char *path) {
  size_t size;
  unsigned char *file = load(path, &size);
  uint32_t nt = u32(file + 0x3c);
  const unsigned char *optional = file + nt + 24;
  uint32_t headers = u32(optional + 60);
  unsigned char *image = reserve(u32(optional + 56));
  memcpy(image, file, headers);
  for (unsigned i = 0; i < u16(file + nt + 6); i++) {
    const unsigned char *section = file + nt + 24 + u16(file + nt + 20) + 40 * i;
    uint32_t length = u32(section + 8) < u32(section + 16) ? u32(section + 8) : u32(section + 16);
    memcpy(image + u32(section + 12), file + u32(section + 20), length);
  }
  memset(image, 0, 2);
  memset(image + 0x3c, 0, 4);
  memset(image + nt, 0, 4);
  printf("image at %p\n", (void *)image);
  forget(file, size);
}

int main(int count, char **names) {
  if (count < 3) return 2;
  decrypt(names[1]);
  for (int i = 3; i < count; i++) map(names[i]);
  dump(names[2]);
  puts("ready");
  fflush(stdout);
  getchar();
  return 0;
}
