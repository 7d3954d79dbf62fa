/* kill_at N COMMAND...: run it, and kill -9 it at its N-th system call, of whatever thread. Prints "killed", or "ended STATUS CALLS". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80 };

static void die(const char *what)
{
	perror(what);
	exit(77);
}

static void child_main(char **command)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) die("ptrace");
	(void)raise(SIGSTOP);
	(void)execvp(command[0], command);
	die(command[0]);
}

/* Go on with a stopped thread: its own signals are delivered, those of tracing are not. */
static void go_on(pid_t thread, int state)
{
	const int stop = WSTOPSIG(state);
	const long signal = stop == SYSCALL_STOP || stop == SIGTRAP || stop == SIGSTOP ? 0 : stop;
	(void)ptrace(PTRACE_SYSCALL, thread, NULL, signal);
}

int main(int argc, char **argv)
{
	const long at = argc > 2 ? atol(argv[1]) : -1;
	long calls = 0;
	int state = 0;
	if (at < 0) return 2;
	const pid_t pid = fork();
	if (pid < 0) die("fork");
	if (pid == 0) child_main(argv + 2);
	if (waitpid(pid, &state, 0) != pid) die("waitpid");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) != 0)
		die("ptrace");
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	for (;;) {
		const pid_t thread = waitpid(-1, &state, __WALL);
		if (thread < 0) die("waitpid");
		if (thread == pid && !WIFSTOPPED(state)) break;
		if (!WIFSTOPPED(state)) continue;
		if (WSTOPSIG(state) == SYSCALL_STOP && calls++ == at)
			(void)kill(pid, SIGKILL);
		else
			go_on(thread, state);
	}
	if (WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL)
		(void)printf("killed\n");
	else
		(void)printf("ended %d %ld\n", WIFEXITED(state) ? WEXITSTATUS(state) : -1, calls);
	return 0;
}
