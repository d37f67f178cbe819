// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A High Definition Audio controller that records for ever into a cyclic buffer: writes over many pages, without an
 * interrupt and without anything for software to do, and a count of bytes written that the device itself puts into
 * memory. High Definition Audio Specification, revision 1.0a: 3.3 (registers), 3.6 (buffers), 3.4.3 (immediate commands),
 * 7.3 (verbs).
 */
#include <errno.h>
#include <time.h>

#include "device.h"

#define HDA_GCTL		0x08
#define HDA_STATESTS		0x0e
#define HDA_ICOI		0x60		/* immediate command: verb, response, status */
#define HDA_ICII		0x64
#define HDA_ICIS		0x68
#define HDA_DPLBASE		0x70
#define HDA_DPUBASE		0x74
#define HDA_SD0			0x80		/* stream descriptor 0: the first input stream */
#define HDA_SD_CTL		(HDA_SD0 + 0x00)
#define HDA_SD_LPIB		(HDA_SD0 + 0x04)
#define HDA_SD_CBL		(HDA_SD0 + 0x08)
#define HDA_SD_LVI		(HDA_SD0 + 0x0c)
#define HDA_SD_FMT		(HDA_SD0 + 0x12)
#define HDA_SD_BDPL		(HDA_SD0 + 0x18)
#define HDA_SD_BDPU		(HDA_SD0 + 0x1c)

#define HDA_GCTL_CRST		(1u << 0)
#define HDA_ICIS_BUSY		(1u << 0)
#define HDA_ICIS_VALID		(1u << 1)
#define HDA_DP_ENABLE		(1u << 0)
#define HDA_SD_RUN		(1u << 1)
#define HDA_SD_STREAM(tag)	((uint32_t)(tag) << 20)

/* Verbs with a payload of 8 bits, and one with 16. */
#define VERB_GET_PARAMETER	0xf00
#define VERB_SET_STREAM		0x706
#define VERB_SET_PIN_CONTROL	0x707
#define VERB_SET_FORMAT		0x200

#define PARAMETER_NODES		0x04
#define PARAMETER_WIDGET	0x09
#define WIDGET_TYPE(caps)	((caps) >> 20 & 0xf)
#define WIDGET_AUDIO_INPUT	1
#define WIDGET_PIN		4
#define PIN_IN_ENABLE		0x20

#define HDA_STREAM_TAG		1
#define HDA_FORMAT		0x1811		/* 48 kHz times 4, 16 bits, 2 channels */
#define HDA_BYTES_PER_SECOND	(48000 * 4 * 2 * 2)

/* DMA memory: position buffer, buffer descriptor list, data. */
#define HDA_POSITION		0x0000
#define HDA_BDL			0x1000
#define HDA_DATA		0x2000
#define HDA_NR_BUFFERS		256		/* the most that a descriptor list may have */
#define HDA_BUFFER_BYTES	0x8000
#define HDA_CYCLE_BYTES		(HDA_NR_BUFFERS * HDA_BUFFER_BYTES)

struct hda_bdl_entry {
	uint64_t address;
	uint32_t bytes;
	uint32_t flags;
};

static void sleep_us(long us)
{
	const struct timespec pause = { .tv_nsec = us * 1000 };

	nanosleep(&pause, NULL);
}

static int hda_reset_set(struct device *dev, uint32_t crst)
{
	uint32_t gctl;
	int tries, ret = vfio_write32(&dev->vfio, HDA_GCTL, crst);

	for (tries = 0; !ret && tries < 1000; tries++) {
		ret = vfio_read32(&dev->vfio, HDA_GCTL, &gctl);
		if (!ret && (gctl & HDA_GCTL_CRST) == crst)
			return 0;
		sleep_us(100);
	}
	return ret ? ret : -ETIMEDOUT;
}

/* Codecs report themselves up to 521 us after the reset. Returns the address of the first. */
static int hda_reset(struct device *dev, uint32_t *codec)
{
	uint16_t present;
	int ret = hda_reset_set(dev, 0);

	if (!ret)
		ret = hda_reset_set(dev, HDA_GCTL_CRST);
	if (ret)
		return ret;
	sleep_us(1000);
	ret = vfio_read16(&dev->vfio, HDA_STATESTS, &present);
	if (ret)
		return ret;
	if (!present)
		return -ENXIO;
	*codec = __builtin_ctz(present);
	return 0;
}

static int hda_response_wait(struct device *dev, uint32_t *response)
{
	uint16_t status;
	int tries, ret;

	for (tries = 0; tries < 1000; tries++) {
		ret = vfio_read16(&dev->vfio, HDA_ICIS, &status);
		if (ret)
			return ret;
		if (status & HDA_ICIS_VALID && !(status & HDA_ICIS_BUSY))
			return vfio_read32(&dev->vfio, HDA_ICII, response);
		sleep_us(10);
	}
	return -ETIMEDOUT;
}

static int hda_command(struct device *dev, uint32_t codec, uint32_t node, uint32_t verb, uint32_t payload, uint32_t *response)
{
	int ret = vfio_write32(&dev->vfio, HDA_ICOI, codec << 28 | node << 20 | verb << 8 | payload);

	if (!ret)
		ret = vfio_write16(&dev->vfio, HDA_ICIS, HDA_ICIS_VALID);	/* clears it */
	if (!ret)
		ret = vfio_write16(&dev->vfio, HDA_ICIS, HDA_ICIS_BUSY);	/* sends */
	return ret ? ret : hda_response_wait(dev, response);
}

static int hda_widget_setup(struct device *dev, uint32_t codec, uint32_t node)
{
	uint32_t caps, ignored;
	int ret = hda_command(dev, codec, node, VERB_GET_PARAMETER, PARAMETER_WIDGET, &caps);

	if (ret)
		return ret;
	if (WIDGET_TYPE(caps) == WIDGET_PIN)
		return hda_command(dev, codec, node, VERB_SET_PIN_CONTROL, PIN_IN_ENABLE, &ignored);
	if (WIDGET_TYPE(caps) != WIDGET_AUDIO_INPUT)
		return 0;
	ret = hda_command(dev, codec, node, VERB_SET_FORMAT, HDA_FORMAT, &ignored);
	if (!ret)
		ret = hda_command(dev, codec, node, VERB_SET_STREAM, HDA_STREAM_TAG << 4, &ignored);
	return ret ? ret : 1;
}

/* Answers with the children of a node as first and number. */
static int hda_children(struct device *dev, uint32_t codec, uint32_t node, uint32_t *first, uint32_t *nr)
{
	uint32_t value;
	int ret = hda_command(dev, codec, node, VERB_GET_PARAMETER, PARAMETER_NODES, &value);

	*first = value >> 16 & 0xff;
	*nr = value & 0xff;
	return ret;
}

/* Points each input converter of the first function group at the stream. */
static int hda_codec_setup(struct device *dev, uint32_t codec)
{
	uint32_t group, node, nr, i;
	int inputs = 0, ret = hda_children(dev, codec, 0, &group, &nr);

	if (ret)
		return ret;
	ret = hda_children(dev, codec, group, &node, &nr);
	for (i = 0; ret >= 0 && i < nr; i++) {
		ret = hda_widget_setup(dev, codec, node + i);
		inputs += ret > 0;
	}
	if (ret < 0)
		return ret;
	return inputs ? 0 : -ENODEV;
}

static void hda_bdl_fill(struct device *dev)
{
	struct hda_bdl_entry *bdl = device_dma(dev, HDA_BDL);
	uint32_t i;

	for (i = 0; i < HDA_NR_BUFFERS; i++) {
		bdl[i].address = dev->iova + HDA_DATA + (uint64_t)i * HDA_BUFFER_BYTES;
		bdl[i].bytes = HDA_BUFFER_BYTES;
		bdl[i].flags = 0;
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);	/* the list before the register that makes the device read it */
}

static int hda_stream_start(struct device *dev)
{
	const struct vfio_device *vfio = &dev->vfio;
	int ret = vfio_write32(vfio, HDA_DPUBASE, 0);

	if (!ret)
		ret = vfio_write32(vfio, HDA_DPLBASE, (dev->iova + HDA_POSITION) | HDA_DP_ENABLE);
	if (!ret)
		ret = vfio_write32(vfio, HDA_SD_BDPL, dev->iova + HDA_BDL);
	if (!ret)
		ret = vfio_write32(vfio, HDA_SD_BDPU, 0);
	if (!ret)
		ret = vfio_write32(vfio, HDA_SD_CBL, HDA_CYCLE_BYTES);
	if (!ret)
		ret = vfio_write16(vfio, HDA_SD_LVI, HDA_NR_BUFFERS - 1);
	if (!ret)
		ret = vfio_write16(vfio, HDA_SD_FMT, HDA_FORMAT);
	if (!ret)
		ret = vfio_write32(vfio, HDA_SD_CTL, HDA_SD_STREAM(HDA_STREAM_TAG) | HDA_SD_RUN);
	return ret;
}

static int hda_start(struct device *dev)
{
	uint32_t codec;
	int ret = hda_reset(dev, &codec);

	if (!ret)
		ret = hda_codec_setup(dev, codec);
	if (ret)
		return ret;
	hda_bdl_fill(dev);
	return hda_stream_start(dev);
}

static int hda_poll(struct device *dev)
{
	uint32_t control;
	int ret = vfio_read32(&dev->vfio, HDA_SD_CTL, &control);

	if (ret)
		return ret;
	return control & HDA_SD_RUN ? 0 : -ENOTCONN;
}

static int hda_adopt(struct device *dev)
{
	uint32_t bdl, position;
	int ret = vfio_read32(&dev->vfio, HDA_SD_BDPL, &bdl);

	if (!ret)
		ret = vfio_read32(&dev->vfio, HDA_DPLBASE, &position);
	if (ret)
		return ret;
	if (bdl != dev->iova + HDA_BDL || position != ((dev->iova + HDA_POSITION) | HDA_DP_ENABLE))
		return -EPROTO;
	return hda_poll(dev);
}

const struct device_ops hda_ops = {
	.kind = RIG_DEVICE_HDA,
	.vendor = 0x8086,
	.device = 0x2668,
	.dma_bytes = HDA_DATA + HDA_CYCLE_BYTES,
	.counter_offset = HDA_POSITION,
	.counter_bytes = 4,
	.counter_modulo = HDA_CYCLE_BYTES,
	.counter_register = HDA_SD_LPIB,
	.bytes_per_second = HDA_BYTES_PER_SECOND,
	.start = hda_start,
	.adopt = hda_adopt,
	.poll = hda_poll,
};
