/*
 * logfs: disks whose every write and flush is written down, in the order in which they arrived.
 *
 *   logfs MOUNTPOINT LOG IMAGE...
 *
 * Stays in the foreground. The directory then holds disk0, disk1, ... (the images, to be mounted through a loop device), and
 * mark: what is written there goes into the log too, so that it says what had been promised by then.
 *
 * The log is a sequence of records in the byte order of the machine: type ('W' write, 'F' flush, 'M' mark), number of the
 * disk, six bytes of nothing, offset and length (64 bits each), and as many bytes as the length says.
 *
 * One thread serves all calls, which is what makes the order one.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_DISKS = 8, MARK = MOST_DISKS };

struct record {
    char type;
    uint8_t disk;
    char nothing[6];
    uint64_t offset, length;
};

static int disks[MOST_DISKS];
static int disk_count, log_file;

/* A log with a gap would prove nothing. */
static void write_all(const void *data, size_t length) {
    const char *from = data;
    while (length > 0) {
        ssize_t written = write(log_file, from, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            perror("logfs: log");
            abort();
        }
        from += written;
        length -= (size_t)written;
    }
}

static void add(char type, int disk, off_t offset, const void *data, size_t length) {
    struct record head = {.type = type, .disk = (uint8_t)disk, .offset = (uint64_t)offset, .length = length};
    write_all(&head, sizeof head);
    write_all(data, length);
}

/* The number of a disk, MARK, or -1. */
static int find(const char *path) {
    if (strcmp(path, "/mark") == 0)
        return MARK;
    int disk, end = 0;
    if (sscanf(path, "/disk%d%n", &disk, &end) == 1 && path[end] == '\0' && disk >= 0 && disk < disk_count)
        return disk;
    return -1;
}

static int on_getattr(const char *path, struct stat *found, struct fuse_file_info *info) {
    (void)info;
    memset(found, 0, sizeof *found);
    if (strcmp(path, "/") == 0) {
        found->st_mode = S_IFDIR | 0700;
        found->st_nlink = 2;
        return 0;
    }
    int what = find(path);
    if (what < 0)
        return -ENOENT;
    found->st_mode = S_IFREG | 0600;
    found->st_nlink = 1;
    if (what != MARK) {
        struct stat image;
        if (fstat(disks[what], &image) < 0)
            return -errno;
        found->st_size = image.st_size;
    }
    return 0;
}

static int on_open(const char *path, struct fuse_file_info *info) {
    int what = find(path);
    if (what < 0)
        return -ENOENT;
    info->direct_io = what == MARK;
    return 0;
}

static int on_read(const char *path, char *to, size_t size, off_t offset, struct fuse_file_info *info) {
    (void)info;
    int what = find(path);
    if (what == MARK)
        return 0;
    ssize_t count = pread(disks[what], to, size, offset);
    return count < 0 ? -errno : (int)count;
}

static int on_write(const char *path, const char *from, size_t size, off_t offset, struct fuse_file_info *info) {
    (void)info;
    int what = find(path);
    if (what == MARK) {
        add('M', 0, 0, from, size);
        return (int)size;
    }
    ssize_t count = pwrite(disks[what], from, size, offset);
    if (count < 0)
        return -errno;
    add('W', what, offset, from, (size_t)count);
    return (int)count;
}

static int on_fsync(const char *path, int only_data, struct fuse_file_info *info) {
    (void)only_data, (void)info;
    int what = find(path);
    if (what != MARK)
        add('F', what, 0, "", 0);
    return 0;
}

/* The shell truncates what it writes to; the images keep their size. */
static int on_truncate(const char *path, off_t size, struct fuse_file_info *info) {
    (void)size, (void)info;
    return find(path) == MARK ? 0 : -EPERM;
}

static void *on_init(struct fuse_conn_info *connection, struct fuse_config *config) {
    connection->max_write = 1 << 20;
    config->kernel_cache = 1;
    return NULL;
}

static const struct fuse_operations operations = {
    .init = on_init,
    .getattr = on_getattr,
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .fsync = on_fsync,
    .truncate = on_truncate,
};

int main(int count, char **words) {
    if (count < 4 || count - 3 > MOST_DISKS) {
        fprintf(stderr, "usage: %s MOUNTPOINT LOG IMAGE... (at most %d)\n", words[0], MOST_DISKS);
        return 2;
    }
    log_file = open(words[2], O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) {
        perror(words[2]);
        return 1;
    }
    for (; disk_count < count - 3; disk_count++) {
        disks[disk_count] = open(words[3 + disk_count], O_RDWR | O_CLOEXEC);
        if (disks[disk_count] < 0) {
            perror(words[3 + disk_count]);
            return 1;
        }
    }
    char *arguments[] = {words[0], "-f", "-s", words[1], NULL};
    return fuse_main(4, arguments, &operations, NULL);
}
