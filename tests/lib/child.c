#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define AWAIT_MS 60000 /* under a sanitizer, beside other tests */

static void stop(const char *what)
{
	fprintf(stderr, "child: ");
	perror(what);
	abort();
}

static int scratch_file(void)
{
	char path[] = "/tmp/kluis-child-XXXXXX";
	int file = mkostemp(path, O_CLOEXEC);

	if (file < 0 || unlink(path) != 0)
		stop("mkostemp");
	return file;
}

/* Output goes to files: nobody waits for a full pipe. */
static pid_t begin(struct child *child, const char *input)
{
	int in = scratch_file();

	child->output = scratch_file();
	child->error = scratch_file();
	if (input != NULL && write(in, input, strlen(input)) != (ssize_t)strlen(input))
		stop("write");
	if (lseek(in, 0, SEEK_SET) != 0)
		stop("lseek");
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		stop("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that aborts leaves nobody behind */
		dup2(in, STDIN_FILENO);
		dup2(child->output, STDOUT_FILENO);
		dup2(child->error, STDERR_FILENO);
	}
	close(in);
	return pid;
}

static void read_text(int file, char text[static CHILD_TEXT_MAX])
{
	ssize_t length = pread(file, text, CHILD_TEXT_MAX - 1, 0);

	if (length < 0)
		stop("pread");
	text[length] = '\0';
}

static void finish(struct child *child)
{
	int status;

	if (waitpid(child->pid, &status, 0) != child->pid)
		stop("waitpid");
	child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	read_text(child->output, child->out);
	read_text(child->error, child->err);
	close(child->output);
	close(child->error);
	child->pid = 0;
}

static void execute(const char *const *arguments)
{
	char *copy[64];
	size_t count = 0;

	while (arguments[count] != NULL && count < 63) {
		copy[count] = strdup(arguments[count]);
		count++;
	}
	copy[count] = NULL;
	execv(copy[0], copy);
	perror(copy[0]);
	_exit(127);
}

void child_run(struct child *ret_child, const char *const *arguments, const char *input)
{
	ret_child->pid = begin(ret_child, input);
	if (ret_child->pid == 0)
		execute(arguments);
	finish(ret_child);
}

void child_call(struct child *ret_child, int (*function)(void *context), void *context)
{
	ret_child->pid = begin(ret_child, NULL);
	if (ret_child->pid == 0) {
		int status = function(context);
		fflush(NULL);
		_exit(status);
	}
	finish(ret_child);
}

void child_begin(struct child *ret_child, const char *const *arguments)
{
	ret_child->pid = begin(ret_child, NULL);
	if (ret_child->pid == 0)
		execute(arguments);
}

void child_await(struct child *child, const char *text)
{
	for (unsigned waited = 0; waited < AWAIT_MS; waited += 5) {
		read_text(child->error, child->err);
		if (strstr(child->err, text) != NULL)
			return;
		if (waitpid(child->pid, NULL, WNOHANG) != 0)
			break;
		poll(NULL, 0, 5);
	}
	fprintf(stderr, "child: never said \"%s\" but:\n%s\n", text, child->err);
	abort();
}

void child_end(struct child *child)
{
	if (child->pid == 0)
		return;
	kill(child->pid, SIGTERM);
	finish(child);
}
