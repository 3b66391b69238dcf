#include "kluis/stop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum err stop_open(int *ret_descriptor, struct fault *fault)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		return fault_set(fault, ERR_IO, "cannot block signals");
	int descriptor = signalfd(-1, &signals, SFD_CLOEXEC);
	if (descriptor < 0)
		return fault_set(fault, ERR_IO, "signalfd: %s", strerror(errno));
	*ret_descriptor = descriptor;
	return ERR_OK;
}

void stop_close(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}
