#include "ctlclient.h"
