/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports, where a machine has such: each capability is to a range, and no access leaves it. */
#include "kernel.h"

#define FIRST 0x70
#define COUNT 6

static void add_ports(struct boot *boot)
{
    boot_add_ports(boot, "test,ports", FIRST, COUNT, 8);
}

static cptr_t make_ports(void)
{
    world_make_of(add_ports);
    struct boot_info const *info = (struct boot_info const *)world_frame(CPTR(17));
    struct device_info const *device = &info->device[2];
    ck_assert_str_eq((char const *)device->name, "test,ports");
    ck_assert_uint_eq(device->address, FIRST);
    ck_assert_uint_eq(device->irq, 8);
    ck_assert_uint_eq(world_type(CPTR(device->slot)), OBJECT_IO_PORTS);
    return CPTR(device->slot);
}

START_TEST(what_is_written_is_read)
{
    cptr_t ports = make_ports();
    uint32_t value;
    for (uint8_t bytes = 1; bytes <= 4; bytes *= 2) {
        uint32_t most = bytes == 4 ? ~0u : (1u << bytes * 8) - 1;
        for (uint16_t offset = 0; offset + bytes <= COUNT; offset++) {
            ck_ok(sys_io_ports_write(ports, offset, bytes, 0x89abcdef));
            ck_ok(sys_io_ports_read(ports, offset, bytes, &value));
            ck_assert_uint_eq(value, 0x89abcdef & most);
            ck_assert_uint_eq(host.port[FIRST + offset], 0xef);
        }
    }
    ck_assert_uint_eq(host.port[FIRST - 1] | host.port[FIRST + COUNT], 0);
}
END_TEST

START_TEST(no_access_leaves_the_range)
{
    cptr_t ports = make_ports();
    for (unsigned bytes = 0; bytes < 256; bytes++) {
        for (unsigned offset = 0; offset < 65536; offset += offset < 16 || offset > 65500 ? 1 : 977) {
            bool is_size = bytes == 1 || bytes == 2 || bytes == 4;
            enum err expected = is_size && offset + bytes <= COUNT ? OK : ERR_BAD_ARGUMENT;
            uint32_t value = 77;
            ck_err(sys_io_ports_read(ports, (uint16_t)offset, (uint8_t)bytes, &value), expected);
            if (expected != OK) {
                ck_assert_uint_eq(error_detail_argument(sys_error_detail), is_size ? 1 : 2);
            }
            ck_err(sys_io_ports_write(ports, (uint16_t)offset, (uint8_t)bytes, ~0u), expected);
        }
    }
    for (unsigned i = 0; i < sizeof host.port; i++) {
        ck_assert_uint_eq(host.port[i], i >= FIRST && i < FIRST + COUNT ? 0xff : 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ports");
    WORLD_TEST(suite, what_is_written_is_read);
    WORLD_TEST(suite, no_access_leaves_the_range);
    return world_run(suite);
}
