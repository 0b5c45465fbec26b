/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and directories, through the server's interface. */
#include "client.h"

#include <tessera/string.h>

static void write_and_read(void)
{
    put_file(&root, "/tmp/hello", "hello, files");
    EXPECT(has_content(&root, "/tmp/hello", "hello, files"));
    struct vfs_stat stat;
    ASSERT_OK(vfs_session_stat(root.session, TEXT("/tmp/hello"), true, &stat));
    EXPECT_EQ(stat.size, 12);
    EXPECT_EQ(stat.kind, VFS_KIND_FILE);
    EXPECT_EQ(stat.links, 1);
    EXPECT_OK(vfs_session_unlink(root.session, TEXT("/tmp/hello")));
    EXPECT_ERR(vfs_session_stat(root.session, TEXT("/tmp/hello"), true, &stat), VFS_ERR(NOT_FOUND));
}

static struct test const tests[] = {
    TEST(write_and_read),
};
TEST_GROUP(files);
