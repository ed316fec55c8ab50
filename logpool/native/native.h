/* What the compiled part is made of: it knows bytes, texts and numbers, and nothing of pools. */
#ifndef LOGPOOL_NATIVE_H
#define LOGPOOL_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

/* stands for no number */
#define NONE UINT32_MAX

/* Texts, each once, by number. */
typedef struct Texts Texts;

API Texts *texts_new(void);
API void texts_free(Texts *texts);
API int64_t texts_count(const Texts *texts);
/* The number of a text; NONE where memory ran out. */
API uint32_t texts_add(Texts *texts, const char *text, int64_t size);
API const char *texts_get(const Texts *texts, uint32_t number, int64_t *size);

/* Some lines of a block: line `place[i]` of it stands from `start[i]` to `end[i]`. `plain`: every byte of the block is a
   character. */
typedef struct {
    int64_t count, room, plain;
    int64_t *place, *start, *end;
} Rows;

#endif
