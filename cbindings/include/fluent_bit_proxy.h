/*
 * The contract between Fluent Bit and an output plugin that it loads with -e: what either side
 * calls, what it lends, and for how long. src/abi.rs is the same for Rust; a test compiles this
 * file and compares the two, and compares both with Fluent Bit's own headers where their source
 * is at hand.
 *
 * Threads: register and unregister come on the host's main thread; init and exit on the thread of its
 * engine, one at a time. Flush comes on the engine's thread, or with `workers N` on N others, several at
 * once for one context, each in a coroutine of its own that may yield. Between a context's init and its
 * exit any number of flushes come; none during either.
 */
#ifndef FLUENT_BIT_PROXY_H
#define FLUENT_BIT_PROXY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values of fbp_definition.kind and fbp_definition.proxy. */
enum { FBP_OUTPUT_PLUGIN = 2, FBP_GO_PROXY = 11 };

/* Answers. Init knows the first two; flush knows all three and the host takes others for ERROR. */
enum { FBP_ERROR = 0, FBP_OK = 1, FBP_RETRY = 2 };

/* Levels of the host's log. */
enum { FBP_LOG_ERROR = 1, FBP_LOG_WARN = 2, FBP_LOG_INFO = 3, FBP_LOG_DEBUG = 4 };

/*
 * Filled in by FLBPluginRegister. Allocated by the host, one per loaded library, freed when the library
 * is closed. Since 4.2.3 it is zeroed but for the kind, and has an int `event_type` after it (0: logs),
 * since 5.1.1 also a pointer `config_map` (null: none). Earlier hosts allocate neither and zero nothing,
 * so a plugin for all of them sets every field below and leaves the others alone.
 */
struct fbp_definition {
    int kind;
    int proxy;
    int flags;               /* network flags of the host's own connections; 0 */
    const char *name;        /* copied by the host */
    const char *description; /* kept by the host until it closes the library */
};

/* An output section of the host's configuration. Only the host looks inside. */
struct fbp_instance;

/*
 * The host's functions. The table lives until the library is closed. Before 2.0.0 it has the first
 * entry only: reading another one is reading past an allocation. A host that calls
 * FLBPluginPreRegister has them all.
 */
struct fbp_api {
    /*
     * An option of the section, null when it is not set. Keys are compared without regard to
     * ASCII case; of equal keys the first counts. The value is the host's and stays until the
     * instance's exit. Options that the host itself takes (match, workers, retry_limit, tls.*,
     * net.* and others) are not found.
     */
    const char *(*output_get_property)(const char *key, struct fbp_instance *instance);
    const char *(*input_get_property)(const char *key, void *input);

    /* Uninitialised in hosts that were built without metrics: not to be called. */
    void *(*output_get_cmt_instance)(struct fbp_instance *instance);
    void *(*input_get_cmt_instance)(void *input);

    /*
     * Writes a line, formatted as by printf and then cut to 4 KiB. It does not check the level.
     * On threads that are not the host's the line goes to stderr, past the user's log_file.
     */
    void (*log_print)(int level, const char *file, int line, const char *format, ...);
    int (*input_log_check)(void *input, int level);
    /* Whether the section's log_level lets a line of this level through. Fixed before init. */
    int (*output_log_check)(struct fbp_instance *instance, int level);
};

/* Where the host keeps a plugin's own context, one per section; zeroed before init. */
struct fbp_context {
    void *remote;
};

/*
 * What init is given. There is one per library, overwritten for the next section: nothing may be
 * kept of it but the pointers `api` and `instance`, which are valid until the instance's exit has
 * returned. The host's own callbacks follow these fields.
 */
struct fbp_init_arguments {
    char *name;
    struct fbp_api *api;
    struct fbp_instance *instance;
    struct fbp_context *context;
};

/* Since 2.2.0, before register. -1 refuses. */
int FLBPluginPreRegister(int hot_reloading);

/*
 * Fills the definition in. -1 refuses, but the host then frees the definition and goes on using
 * it: registration must not fail.
 */
int FLBPluginRegister(struct fbp_definition *definition);

/*
 * Opens one section and stores its context in arguments->context->remote. OK opens it; ERROR stops
 * the host, which calls exit with the null context nevertheless. Any positive code is a success,
 * so RETRY is no answer here.
 */
int FLBPluginInit(struct fbp_init_arguments *arguments);

/* Since 2.2.0, for each context when the pipeline is set up. The answer is not looked at. */
int FLBPluginOutputPreRun(int hot_reload_enabled);

/*
 * Delivers one chunk: OK, RETRY or ERROR. `data` is `size` bytes of msgpack records one after
 * another, `tag` ends in NUL; both are the host's and gone when this returns, or when exit returns while
 * the flush has yielded. The stack is a
 * coroutine's, malloc'ed without a guard page: 24 KiB before 5.1.0, at least 64 KiB since.
 */
int FLBPluginFlushCtx(void *context, const void *data, size_t size, const char *tag);

/* The form without a context, called only when the other is not exported. */
int FLBPluginFlush(const void *data, size_t size, const char *tag);

/* Since 2.2.0, before each context's exit. */
void FLBPluginOutputPreExit(int hot_reloading);

/*
 * Closes one context, or null for a section that did not open. The instance, its options, and the
 * coroutines and chunks of flushes that yielded on the engine's thread are freed next; flushes on worker
 * threads have ended before. The answer is not looked at. Hosts before 2.1 pass the context of the
 * section opened last for every section of the plugin: it comes several times, the first time while
 * worker threads of it may be at work.
 */
int FLBPluginExitCtx(void *context);

/* The form without a context, called only when the other is not exported. */
int FLBPluginExit(void);

/* After the last exit, before the library is closed. Host threads may end after that. */
void FLBPluginUnregister(struct fbp_definition *definition);

#ifdef __cplusplus
}
#endif

#endif
