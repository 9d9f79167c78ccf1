/* The entry of system emulation: parses, builds, runs; returns the exit status. */
#ifndef MOSS_SYSTEM_MAIN_H
#define MOSS_SYSTEM_MAIN_H

int system_main(int argc, char **argv);

#endif
