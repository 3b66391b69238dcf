#include <stdio.h>

#include "command/commands.h"
#include "command/folder.h"

static enum err print_key(const char *what, const struct public_key *key, bool is_json)
{
	struct bytes vkey CLEANUP(bytes_fini) = {0};

	bytes_init(&vkey, 1024);
	TRY(public_key_print(key, &vkey));
	if (is_json)
		printf("  \"%s\": \"%.*s\"", what, (int)vkey.length, (const char *)vkey.data);
	else
		printf("%.*s\n", (int)vkey.length, (const char *)vkey.data);
	return ERR_OK;
}

/* Needs no running broker: public keys of the folder, for auditors. */
enum err command_keys(void *target, const struct command_arguments *arguments, struct fault *fault)
{
	const struct settings *settings = target;
	struct folder_keys keys CLEANUP(folder_keys_fini) = {0};

	(void)arguments;
	TRY(folder_check(settings->data, fault));
	TRY(folder_keys_read(settings->data, &keys, fault));
	if (settings->is_json)
		puts("{");
	TRY(print_key("log", &keys.log.public, settings->is_json));
	if (settings->is_json)
		puts(",");
	TRY(print_key("controller", &keys.controller.public, settings->is_json));
	if (settings->is_json)
		puts("\n}");
	return ERR_OK;
}
