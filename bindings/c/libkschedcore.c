#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdio.h>

#include "libkschedcore.h"

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static const kschedcore_api *opened;
static PyThreadState *own; /* of the thread that started the interpreter */
static int closed;

static _Thread_local char message[1024];

static void
keep_exception(void)
{
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    PyObject *string = value ? PyObject_Str(value) : NULL;
    const char *text = string ? PyUnicode_AsUTF8(string) : NULL;
    snprintf(message, sizeof message, "%s: %s", kind ? ((PyTypeObject *)kind)->tp_name : "error", text ? text : "?");
    PyErr_Clear();
    Py_XDECREF(string);
    Py_XDECREF(kind);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static PyStatus
initialize(const char *python)
{
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.configure_locale = 0;
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status))
        return status;

    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    status = PyConfig_SetBytesString(&config, &config.program_name, python);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.executable, python);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

static int
start(const char *python)
{
    if (closed) {
        snprintf(message, sizeof message, "kschedcore was closed; it cannot be opened again in this process");
        return 0;
    }
    if (Py_IsInitialized())
        return 1;
    PyStatus status = initialize(python);
    if (PyStatus_Exception(status)) {
        snprintf(message, sizeof message, "%s: Python does not start: %s", python,
                 status.err_msg ? status.err_msg : "no reason given");
        return 0;
    }
    own = PyEval_SaveThread();
    return 1;
}

const kschedcore_api *
kschedcore_open(const char *python)
{
    message[0] = '\0';
    pthread_mutex_lock(&opening);
    if (!opened && start(python ? python : KSCHEDCORE_PYTHON)) {
        PyGILState_STATE held = PyGILState_Ensure();
        opened = kschedcore_import();
        if (!opened)
            keep_exception();
        PyGILState_Release(held);
    }
    const kschedcore_api *api = opened;
    pthread_mutex_unlock(&opening);
    return api;
}

const char *
kschedcore_open_error(void)
{
    return message;
}

void
kschedcore_close(void)
{
    pthread_mutex_lock(&opening);
    opened = NULL;
    if (own) {
        PyEval_RestoreThread(own);
        Py_FinalizeEx();
        own = NULL;
        closed = 1;
    }
    pthread_mutex_unlock(&opening);
}
