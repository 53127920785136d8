/* libkschedcore: kschedcore for programs without Python on top. It runs an interpreter inside the process. */
#ifndef LIBKSCHEDCORE_H
#define LIBKSCHEDCORE_H

#include <kschedcore.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Start the interpreter, if none runs, and return the table of functions; any thread may then call them.
 *
 * `python` is the path of the Python executable whose packages are used, such as a virtual environment's bin/python;
 * NULL selects the one that the library was built with. Environment variables (PYTHONPATH…) act as they do on that
 * executable. Signal handlers and the locale stay as they are.
 *
 * NULL when it fails; kschedcore_open_error() then returns the reason. Further calls return the same table. */
const kschedcore_api *kschedcore_open(const char *python);

/* The error of the calling thread's last kschedcore_open(), in one line; "" when nothing did. */
const char *kschedcore_open_error(void);

/* End the interpreter that kschedcore_open() started; one that ran before is left alone. Call it from the thread that
 * opened, when no other thread is in a function of the table and every handle and table is freed. What was closed
 * cannot be opened again: Arrow and NumPy do not start twice in one process. */
void kschedcore_close(void);

#ifdef __cplusplus
}
#endif

#endif
