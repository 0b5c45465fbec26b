/* SPDX-License-Identifier: BSD-2-Clause */
/* From a path to what it names. */
#pragma once

#include "inode.h"

/* How a session sees the tree: who it is, and from where. */
struct view {
    struct inode *root;    /* nothing above it can be reached */
    struct inode *current; /* where relative paths begin */
    struct user user;
    bool for_reading;
    uint32_t failed_at, failed_length; /* the component of the last path that failed */
};

#define MOST_LINKS 8u

/* A walk. It stands in `dir`, before the component `name`; when it has an end, `name` is the last one.
 * No inode is locked in between. */
struct walk {
    struct view *view;
    struct inode *dir; /* with a reference */
    struct name name;  /* length 0: the path is the directory itself */
    bool to_directory; /* a slash is behind `name`: it must be a directory */
    bool slash_behind; /* ... behind the last link that was followed to get here */
    /* What is left of the path, and below it, of those that led to links whose targets are walked
     * now. Each has something left. */
    char const *at, *end;
    struct {
        char const *at, *end;
        struct inode *link; /* which `at` of the level above is in, with a reference */
    } outer[MOST_LINKS];
    unsigned depth;
    struct inode *link; /* which `at` is in; NULL: in the caller's path */
    unsigned links;     /* that were followed */
    char const *path; /* the caller's */
};

void walk_begin(struct walk *walk, struct view *view, char const *path, size_t length);
void walk_end(struct walk *walk);
/* Returns the error; notes for the client that it is about `name`. */
enum err walk_fail(struct walk *walk, enum err err);

/* To the last component: `dir` and `name`. If there is a name, `dir` is a directory that the user may
 * look into. */
NODISCARD enum err walk_to_last(struct walk *walk);
/* What `name` is in `dir`: NULL if there is nothing. With a reference; what covers it, if
 * something does. */
NODISCARD enum err walk_look(struct walk *walk, struct inode **out);
/* Goes on with the target of a link, which was found at `name`. Takes over the reference. */
NODISCARD enum err walk_follow(struct walk *walk, struct inode *link);
/* To the end. A link at the end is followed if `follow`. */
NODISCARD enum err walk_all(struct walk *walk, bool follow, struct inode **out);
