/* moss: one binary under many names. */
#include <string.h>

#include "system/main.h"

int main(int argc, char **argv)
{
    return system_main(argc, argv);
}
