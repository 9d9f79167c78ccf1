/* moss: one binary under many names. */
#include "system/main.h"
#include "system/registry.h"

int main(int argc, char **argv)
{
    registry_wire();
    return system_main(argc, argv);
}
