/*
 * Stands in for libFuzzer where it is not there (gcc): gives a fuzzer every file of the folders named on the command
 * line, and each of these again cut short at every length and with each byte changed, as far as a second's work goes.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX (1024 * 1024) /* bytes */
#define VARIED_MAX 4096	       /* bytes of a seed that is varied as well */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fuzzer gets memory of exactly the right size, so that AddressSanitizer sees a read past its end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void vary(uint8_t *data, size_t size)
{
	size_t step = 1 + size / 256;

	for (size_t i = 0; i < size; i += step) {
		run(data, i);
		data[i] ^= (uint8_t)(1u << i % 8);
		run(data, size);
		data[i] ^= (uint8_t)(1u << i % 8);
	}
}

static int replay(const char *path)
{
	static uint8_t data[SEED_MAX];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file == NULL) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof data, file);
	fclose(file);
	run(data, size);
	if (size <= VARIED_MAX)
		vary(data, size);
	return 0;
}

static int replay_folder(const char *folder)
{
	DIR *directory = opendir(folder);
	const struct dirent *item;
	int seeds = 0, failed = 0;

	if (directory == NULL) {
		perror(folder);
		return 1;
	}
	while ((item = readdir(directory)) != NULL) {
		char path[1024];

		if (item->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, item->d_name);
		failed |= replay(path);
		seeds++;
	}
	closedir(directory);
	printf("%s: %d seeds\n", folder, seeds);
	return failed || seeds == 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed |= replay_folder(argv[i]);
	return failed;
}
