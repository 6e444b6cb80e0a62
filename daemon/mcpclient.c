#include "mcpclient.h"
