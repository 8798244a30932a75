"""Small datasets in the exact layouts of the distributed ones, with images drawn here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """Smooth blobs: as different from one another as radiographs of different patients, and as the same when saved."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 11), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def make_medpix(root: Path, cases: int = 6, images: int = 2, first_picture: int = 0) -> list[dict[str, Any]]:
    (root / "splitted_dataset").mkdir(parents=True)
    descriptions, topics = [], []
    for case in range(cases):
        for number in range(images):
            name = f"MPX{1000 + case}_synpic{case}{number}"
            save(picture(first_picture + case * images + number).convert("RGB"), root / "images" / f"{name}.png")
            descriptions.append(
                {
                    "Type": "CT",
                    "U_id": f"MPX{1000 + case}",
                    "image": name,
                    "Description": {"Caption": f"Finding  {case} of image {number}.", "Age": "73", "Figure Part": None},
                    "Location": "Chest",
                    "Location Category": "Thorax",
                }
            )
        topics.append(
            {
                "U_id": f"MPX{1000 + case}",
                "TAC": [],
                "MRI": [],
                "Case": {"Title": "t"},
                "Topic": {"Disease Discussion": f"Discussion {case}."} if case % 2 else {},
            }
        )
    ids = [f"MPX{1000 + case}" for case in range(cases)]
    lists = {"train": ids[:-2], "dev": ids[-2:-1], "test": ids[-1:]}
    write_json(root / "splitted_dataset" / "uid_list.json", lists)
    write_json(root / "Case_topic.json", topics)
    write_json(root / "Descriptions.json", descriptions)
    return descriptions


def make_vqa_rad(root: Path, images: int = 8, draw: Callable[[int], Image.Image] = picture) -> list[dict[str, Any]]:
    """Two training questions and a test question an image; images 0 and 1 are of one MedPix case."""
    rows = []
    for number in range(images):
        name = f"synpic{number}.jpg"
        save(draw(number), root / "VQA_RAD Image Folder" / name)
        for kind, question, answer, answer_type in (
            ("freeform", "Is there a mass?", "Yes", "CLOSED "),
            ("para", "Where is the mass?", "left  upper lobe", "OPEN"),
            ("test_freeform", "How many ribs?", number, "OPEN"),
        ):
            rows.append(
                {
                    "qid": str(len(rows)),
                    "phrase_type": kind,
                    "qid_linked_id": "03f451ca",
                    "image_case_url": f"https://medpix.nlm.nih.gov/case?id=case{max(number, 1)}",
                    "image_name": name,
                    "image_organ": "CHEST",
                    "evaluation": "not evaluated",
                    "question": question,
                    "question_rephrase": "NULL",
                    "question_relation": "NULL",
                    "question_frame": "NULL",
                    "question_type": "PRES",
                    "answer": answer,
                    "answer_type": answer_type,
                }
            )
    write_json(root / "VQA_RAD Dataset Public.json", rows)
    return rows


def make_slake(root: Path, images: int = 6, validation: str = "validate.json") -> dict[str, list[dict[str, Any]]]:
    parts: dict[str, list[dict[str, Any]]] = {"train.json": [], validation: [], "test.json": []}
    for number in range(images):
        save(picture(100 + number), root / "imgs" / f"xmlab{number}" / "source.jpg")
        part = "train.json" if number < images - 2 else validation if number == images - 2 else "test.json"
        for language, question, answer, answer_type in (
            ("en", "Does the picture contain a liver?", "No", "CLOSED"),
            ("en", "What modality is used?", "MRI", "OPEN"),
            ("zh", "图中有肝脏吗?", "没有", "CLOSED"),
        ):
            parts[part].append(
                {
                    "img_id": number,
                    "img_name": f"xmlab{number}/source.jpg",
                    "question": question,
                    "answer": answer,
                    "q_lang": language,
                    "location": "Abdomen",
                    "modality": "MRI",
                    "answer_type": answer_type,
                    "base_type": "vqa",
                    "content_type": "Modality",
                    "triple": ["vhead", "_", "_"],
                    "qid": number,
                }
            )
    for name, rows in parts.items():
        write_json(root / name, rows)
    return parts


ROCO_NAMES = {"train": "captions.txt", "validation": "captions.txt", "test": "captions_tp_test_revised.txt"}


def make_roco(root: Path) -> None:
    """Articles PMC10 (two training images) and PMC11 (one in training, one in validation); id 5 was never fetched."""
    rows = {
        "train": [(1, "PMC10", "a.jpg"), (2, "PMC10", "b.jpg"), (3, "PMC11", "c.jpg"), (5, "PMC12", "e.jpg")],
        "validation": [(4, "PMC11", "d.jpg"), (6, "PMC13", "f.jpg")],
        "test": [(7, "PMC14", "g.jpg")],
    }
    for split, images in rows.items():
        folder = root / "data" / split / "radiology"
        (folder / "images").mkdir(parents=True)
        captions = "".join(f"ROCO_{number:05d}\t  Axial CT {number},\twith a tab.\n" for number, _, _ in images)
        (folder / ROCO_NAMES[split]).write_text(captions)
        if split == "train":
            links = "".join(
                f"ROCO_{number:05d}\twget -r ftp://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_package/8d/34/{article}.tar.gz "
                f"-P /path/to/Dir\t{name}\n"
                for number, article, name in images
            )
            (folder / "dlinks.txt").write_text(links)
        else:
            lines = "".join(f"ROCO_{number:05d},{article}_{name},CC BY\n" for number, article, name in images)
            (folder / "licences.txt").write_text("ROCO_ID,PMC_ID,CC\n" + lines)
        for number, article, name in images:
            if number != 5:
                save(picture(200 + number), folder / "images" / f"{article}_{name}")


ROCOV2_ARTICLES = {"train": ["PMC1", "PMC1", "PMC2", "PMC3"], "valid": ["PMC2", "PMC4"], "test": ["PMC5"]}


def make_rocov2(root: Path) -> None:
    """The article PMC2 is in `train` and in `valid`."""
    licences = ["ID, PMCID, Attribution, Link"]
    number = 300
    for split, articles in ROCOV2_ARTICLES.items():
        lines = ["ID,Caption"]
        for row, article in enumerate(articles, start=1):
            name, number = f"ROCOv2_2023_{split}_{row:06d}", number + 1
            save(picture(number), root / f"{split}_images" / split / f"{name}.jpg")
            lines.append(f'{name},"Head CT, slice {row}."')
            licences.append(f"{name},{article},CC BY,https://www.ncbi.nlm.nih.gov/pmc/articles/{article}/")
        (root / f"{split}_captions.csv").write_text("\n".join(lines) + "\n")
    (root / "license_information.csv").write_text("\n".join(licences) + "\n")


def write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
