/* Keys as HID usages of page 7 (HID Usage Tables 1.12, chapter 10). */
#ifndef MOSS_HW_USB_HID_KEYS_H
#define MOSS_HW_USB_HID_KEYS_H

#include "base/types.h"

u8 hid_key_usage(u16 key); /* of KEY_*; 0: there is none */

#endif
